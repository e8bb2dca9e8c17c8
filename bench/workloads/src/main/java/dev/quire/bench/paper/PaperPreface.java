package dev.quire.bench.paper;

/** What the page of the paper's figures says before them. */
final class PaperPreface {
  private PaperPreface() {}

  static final String TEXT =
      """
      # The paper's evaluation, run again

      Kwon et al., "Efficient Memory Management for Large Language Model Serving with
      PagedAttention" (SOSP 2023), figure by figure: what the paper says, what Quire gives, and ours
      over the paper's. Each figure has its command below it; this page is made of the results by

      ```
      {command}
      ```

      {summary}
      Two ways lead to the figures. In both, the engine's own scheduler and allocators decide every
      step, over requests with Poisson arrivals and log-normal lengths of the paper's means; the
      baselines differ from Quire in the allocator alone.

      - *Real* runs compute every step with a model on this machine's CPU or GPU. The clock is the
        machine's; it jumps over the time in which there is nothing to do. Tokens are drawn, so that
        every system does the same work. Sequences, lengths and pool are a quarter of the paper's
        where a figure says nothing else:
        the pool holds 7.7 of the longest sequences, as OPT-13B's memory did. The limit of latency
        is fifteen times a lone request's, as the paper's half second is of OPT-13B's. On a
        CPU the embedded model's weights, 10 MB, stay in the caches, and a step takes about what its
        tokens take: there the runs show memory (requests at once, shares) rather than rates.
      - *Simulated time* takes the paper's models and GPU memories; nothing is computed, and one
        model says how long each step takes. It is fixed from the models' sizes and the GPUs' data
        sheets, the same for all systems and figures, and nothing is tuned for a figure:

      ```
      weights  = bytes of weights / (GPUs × 0.6 × bandwidth)            read once a step
      products = 2 × parameters × tokens / (GPUs × 0.6 × FLOPS)         at the same time
      cache    = bytes of keys and values read / (GPUs × 0.6 × bandwidth), × 1.25 for paged ones
      network  = 2 all-reduces a layer, where there are several GPUs: 10 µs each, and their bytes
      host     = 5 ms
      step     = max(weights, products) + cache + network + host
      ```

      Where a value departs from the paper's, the text below its table says why, with an experiment
      where there is one: a row with one thing changed. What holds for all of them:

      - **The simulated machine is not the paper's.** Steps cost what data sheets say at 60 % of the
        peak, and a host of 5 ms. Systems with large batches sustain up to twice the paper's rates
        here, most of all on several GPUs, where the paper's software had more to do between steps;
        systems with small batches can sustain less. Ratios of rates compare better than rates do.
      - **Memory helps until time does not.** Weights are read once a step; each further sequence
        adds its own keys and values. With much memory for short sequences (OPT-175B on Alpaca) or
        long sequences (Figure 17) the gain of paging shrinks, in the paper as here.
      - **Lengths.** Only the means were published. The spread is a choice (σ = 1, prompt and output
        clipped to 1024 tokens each); the last section shows what others do. A mean of normalised
        latencies weighs short outputs most.
      - **One scheduler for all.** The baselines get Quire's scheduler, with mixed prefill and decode
        steps, which is better than Orca's of the time.
      """;
}
