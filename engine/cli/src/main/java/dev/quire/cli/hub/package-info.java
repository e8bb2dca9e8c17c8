/**
 * Fetches models from a hub that speaks Hugging Face's API into the cache folder that its tools
 * use.
 */
@NullMarked
package dev.quire.cli.hub;

import org.jspecify.annotations.NullMarked;
