/**
 * Readers of foreign files under arbitrary bytes: whatever they get, they answer or refuse with
 * their module's exception, soon and within memory that the input's size bounds.
 *
 * <p>The plain build replays the committed inputs; {@code mvn -Pfuzz verify -pl tests -am} searches
 * for new ones, ten minutes each reader.
 */
@NullMarked
package dev.quire.tests.fuzz;

import org.jspecify.annotations.NullMarked;
