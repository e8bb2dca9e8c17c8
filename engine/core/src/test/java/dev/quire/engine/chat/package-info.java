@NullMarked
package dev.quire.engine.chat;

import org.jspecify.annotations.NullMarked;
