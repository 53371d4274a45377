/* A connector of Flink's that can be looked up, as a file can here: lines of values with commas between them, an empty
 * one is NULL. Options: 'connector' = 'looked-up', 'path'. */
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.LookupTableSource;
import org.apache.flink.table.connector.source.lookup.LookupFunctionProvider;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.LookupFunction;
import org.apache.flink.table.types.logical.LogicalType;

public class LookedUp implements DynamicTableSourceFactory {
    static final ConfigOption<String> PATH = ConfigOptions.key("path").stringType().noDefaultValue();

    @Override
    public String factoryIdentifier() {
        return "looked-up";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(PATH);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }

    @Override
    public DynamicTableSource createDynamicTableSource(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        LogicalType[] types = context.getPhysicalRowDataType().getLogicalType().getChildren().toArray(new LogicalType[0]);
        return new Source(helper.getOptions().get(PATH), types);
    }

    static class Source implements LookupTableSource {
        final String path;
        final LogicalType[] types;

        Source(String path, LogicalType[] types) {
            this.path = path;
            this.types = types;
        }

        @Override
        public LookupRuntimeProvider getLookupRuntimeProvider(LookupContext context) {
            int[] keys = new int[context.getKeys().length];
            for (int i = 0; i < keys.length; i++)
                keys[i] = context.getKeys()[i][0];
            return LookupFunctionProvider.of(new Lines(path, types, keys));
        }

        @Override
        public DynamicTableSource copy() {
            return new Source(path, types);
        }

        @Override
        public String asSummaryString() {
            return "looked-up";
        }
    }

    public static class Lines extends LookupFunction {
        final String path;
        final LogicalType[] types;
        final int[] keys;
        transient List<GenericRowData> rows;

        Lines(String path, LogicalType[] types, int[] keys) {
            this.path = path;
            this.types = types;
            this.keys = keys;
        }

        static Object value(LogicalType type, String text) {
            if (text.isEmpty())
                return null;
            switch (type.getTypeRoot()) {
            case INTEGER:
                return Integer.valueOf(text);
            case BIGINT:
                return Long.valueOf(text);
            case DOUBLE:
                return Double.valueOf(text);
            default:
                return StringData.fromString(text);
            }
        }

        @Override
        public void open(FunctionContext context) throws IOException {
            rows = new ArrayList<>();
            for (String line : Files.readAllLines(Path.of(path))) {
                String[] texts = line.split(",", -1);
                GenericRowData row = new GenericRowData(types.length);
                for (int i = 0; i < types.length; i++)
                    row.setField(i, value(types[i], texts[i]));
                rows.add(row);
            }
        }

        @Override
        public Collection<RowData> lookup(RowData key) {
            List<RowData> found = new ArrayList<>();
            for (GenericRowData row : rows) {
                boolean same = true;
                for (int i = 0; i < keys.length; i++) {
                    Object asked = RowData.createFieldGetter(types[keys[i]], i).getFieldOrNull(key);
                    same &= asked != null && asked.equals(row.getField(keys[i]));
                }
                if (same)
                    found.add(row);
            }
            return found;
        }
    }
}
