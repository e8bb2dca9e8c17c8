package dev.quire.bench.paper;

/** What the page of the paper's figures says before them. */
final class PaperPreface {
  private PaperPreface() {}

  static final String TEXT =
      """
      # The paper's evaluation, run again

      Kwon et al., "Efficient Memory Management for Large Language Model Serving with
      PagedAttention" (SOSP 2023), figure by figure: what the paper says, what Quire gives, and ours
      over the paper's. Made by

      ```
      {command}
      ```

      This is *simulated time*: the engine's own scheduler and allocators decide every step, over
      requests with the paper's mean lengths and Poisson arrivals, on the paper's models and GPU
      memories; nothing is computed, and one model says how long each step takes. It is fixed from
      the models' sizes and the GPUs' data sheets, the same for all systems and figures:

      ```
      weights  = bytes of weights / (GPUs × 0.6 × bandwidth)            read once a step
      products = 2 × parameters × tokens / (GPUs × 0.6 × FLOPS)         at the same time
      cache    = bytes of keys and values read / (GPUs × 0.6 × bandwidth), × 1.25 for paged ones
      network  = 2 all-reduces a layer, where there are several GPUs: 10 µs each, and their bytes
      host     = 5 ms
      step     = max(weights, products) + cache + network + host
      ```

      Nothing is tuned for a figure, so values depart from the paper's, for these reasons above all:

      - **The simulated machine is not the paper's.** Steps cost what data sheets say at 60 % of the
        peak, and a host of 5 ms. Systems with large batches sustain up to twice the paper's rates
        here, most of all on several GPUs, where the paper's software had more to do between steps.
        Systems with small batches can sustain less: Orca (Max) on Alpaca needs steps of 17 ms at
        seven sequences for the paper's 7 requests a second, which is OPT-13B's weights read at the
        GPU's full bandwidth. Ratios of rates compare better than rates do.
      - **A rate given in requests a second** (Figures 2 and 13) meets a system that may be faster
        than the paper's: then fewer requests are in it at once. On Alpaca at 30 a second Quire does
        not reach the limit of its memory here, so it batches as many as there are, half the paper's
        number, while the paper's system was at its knee.
      - **Memory helps until time does not.** Weights are read once a step; each further sequence
        adds its own keys and values. With much memory for short sequences (OPT-175B on Alpaca) or
        long prompts to compute (Figure 17), every system is limited by computing, not by memory, and
        the gain of paging shrinks, in the paper as here. With 1024 tokens of prompt for 338 of
        output, paging holds 1.9 times as many sequences as a reservation of 2048 tokens, but prompts
        are computed at the same speed in both.
      - **Lengths.** Only the means were published. The spread is a choice (log-normal, σ = 1); the
        last section shows what another one does. A mean of normalised latencies weighs short
        outputs most. The translation task's lengths in Figure 16 are guesses, too, and its ratio is
        nearly (prefix + own tokens rounded up to a power of two) / own tokens, whatever they are.
      - **One scheduler for all.** The baselines get Quire's scheduler, with mixed prefill and decode
        steps, which is better than Orca's of the time, so that memory is all that differs.
      - **What needs a GPU** is not here: the kernel's own cost (Figure 18a), small blocks' effect on
        it (18b), and swapping measured rather than calculated (19).
      """;
}
