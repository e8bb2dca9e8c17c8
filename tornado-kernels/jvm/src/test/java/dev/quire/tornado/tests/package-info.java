@NullMarked
package dev.quire.tornado.tests;

import org.jspecify.annotations.NullMarked;
