@org.jspecify.annotations.NullMarked
package dev.quire.bench.paper;
