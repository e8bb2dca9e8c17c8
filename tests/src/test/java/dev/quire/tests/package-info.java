/** What crosses modules: the arrows between them, golden models, the jar as users start it. */
@NullMarked
package dev.quire.tests;

import org.jspecify.annotations.NullMarked;
