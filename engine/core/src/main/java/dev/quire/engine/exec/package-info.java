/** What passes between the scheduler and an executor: the step, and its logits. */
@NullMarked
package dev.quire.engine.exec;

import org.jspecify.annotations.NullMarked;
