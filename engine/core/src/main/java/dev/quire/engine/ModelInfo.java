package dev.quire.engine;

/**
 * What was loaded and how the engine runs it.
 *
 * @param name the model's name, from its metadata or its file
 * @param architecture as the file names it, {@code llama} for one
 * @param parameters weights, all tensors together
 * @param weightBytes their size as stored
 * @param vocabularySize tokens known
 * @param trainedContext the context the model was made for, in tokens
 * @param maxModelLen the longest sequence that this engine takes: the trained context, the option
 *     or what the KV cache holds, whichever is least
 * @param blockSize tokens a KV cache block
 * @param kvBlocks blocks of the pool, all cache groups together
 * @param kvCacheBytes size of the KV cache
 * @param device one line on what computes
 * @param sampling how the model would have its tokens chosen, where a request does not say
 */
public record ModelInfo(
    String name,
    String architecture,
    long parameters,
    long weightBytes,
    int vocabularySize,
    int trainedContext,
    int maxModelLen,
    int blockSize,
    int kvBlocks,
    long kvCacheBytes,
    String device,
    SamplingDefaults sampling) {}
