/** An HTTP server that speaks OpenAI's API in front of an engine. */
@NullMarked
package dev.quire.server;

import org.jspecify.annotations.NullMarked;
