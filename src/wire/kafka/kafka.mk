# The codec's structs and tables, made from messages.txt.
KAFKA_GEN := build/gen/wire/kafka
GEN += $(KAFKA_GEN)/messages.h
LIB_OBJ += $(B)/$(KAFKA_GEN)/messages.c.o

$(KAFKA_GEN)/messages.h: src/wire/kafka/gen_messages.py src/wire/kafka/messages.txt
	@mkdir -p $(@D); python3 $^ $(@D)
$(KAFKA_GEN)/messages.c: $(KAFKA_GEN)/messages.h ;
