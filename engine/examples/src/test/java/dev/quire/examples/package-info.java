@NullMarked
package dev.quire.examples;

import org.jspecify.annotations.NullMarked;
