/** The commands of {@code quire}, one class each, and what they share. */
@NullMarked
package dev.quire.cli;

import org.jspecify.annotations.NullMarked;
