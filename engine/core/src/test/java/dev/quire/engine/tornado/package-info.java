@NullMarked
package dev.quire.engine.tornado;

import org.jspecify.annotations.NullMarked;
