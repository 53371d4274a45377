# The statements of the Nexmark benchmark stand in bench/nexmark/ and go into the command as text.
NEXMARK_SQL := $(sort $(wildcard bench/nexmark/*.sql))
GEN += build/gen/app/nexmark_sql.inc
build/gen/app/nexmark_sql.inc: $(NEXMARK_SQL) tools/embed.sh
	@sh tools/embed.sh $@ nexmark_sql $(NEXMARK_SQL)
