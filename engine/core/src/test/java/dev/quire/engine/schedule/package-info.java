@org.jspecify.annotations.NullMarked
package dev.quire.engine.schedule;
