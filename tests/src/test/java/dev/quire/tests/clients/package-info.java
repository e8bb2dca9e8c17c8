/** The server as other people's clients and browsers see it. */
@NullMarked
package dev.quire.tests.clients;

import org.jspecify.annotations.NullMarked;
