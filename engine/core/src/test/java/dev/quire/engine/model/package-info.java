@NullMarked
package dev.quire.engine.model;

import org.jspecify.annotations.NullMarked;
