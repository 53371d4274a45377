package com.github.nexmark.flink.udf;

import org.apache.flink.table.functions.ScalarFunction;

/* What Nexmark's q14 asks for by this name: how often a character is in a text. */
public class CountChar extends ScalarFunction {
    public Long eval(String text, String character) {
        return text == null || character == null ? null : text.chars().filter(c -> c == character.charAt(0)).count();
    }
}
