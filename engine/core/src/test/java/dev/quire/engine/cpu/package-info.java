@NullMarked
package dev.quire.engine.cpu;

import org.jspecify.annotations.NullMarked;
