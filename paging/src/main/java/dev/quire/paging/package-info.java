@NullMarked
package dev.quire.paging;

import org.jspecify.annotations.NullMarked;
