package dev.quire.engine.tornado;

import dev.quire.engine.model.DecoderSpec;
import uk.ac.manchester.tornado.api.KernelContext;

/**
 * What the kernels of all layers share, for steps of one bucket.
 *
 * @param segments takes the kernels
 * @param rows the most tokens of a step
 */
record StepContext(
    KernelContext context,
    DecoderSpec spec,
    Scratch scratch,
    TornadoOptions options,
    StepInputs inputs,
    Segments segments,
    ProductTasks products,
    int rows) {}
