/** The command line as users start it: the built jar, in processes of its own. */
@NullMarked
package dev.quire.tests.cli;

import org.jspecify.annotations.NullMarked;
