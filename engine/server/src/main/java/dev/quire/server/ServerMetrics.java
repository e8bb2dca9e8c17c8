package dev.quire.server;

import dev.quire.engine.Engine;
import dev.quire.engine.EngineStats;
import dev.quire.engine.ModelInfo;
import dev.quire.engine.StepTokens;
import dev.quire.engine.Usage;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.config.NamingConvention;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The server's figures for Prometheus, by vLLM's names under a prefix of ours or theirs. */
final class ServerMetrics {
  private static final double[] SECONDS = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160
  };
  private static final double[] TOKENS = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000
  };

  private static final List<String> FINISH_REASONS = List.of("stop", "length", "abort");

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Engine engine;
  private final String prefix;
  private final Tags tags;

  /**
   * @param vllmNames whether names begin with {@code vllm:} rather than {@code quire:}
   */
  ServerMetrics(Engine engine, String modelName, boolean vllmNames) {
    this.engine = engine;
    this.prefix = vllmNames ? "vllm:" : "quire:";
    this.tags = Tags.of("model_name", modelName, "engine", "0");
    registry.config().namingConvention(new Names());
    gauge("num_requests_running", "Sequences that run", EngineStats::runningSequences);
    gauge("num_requests_waiting", "Requests in the queue", EngineStats::waiting);
    gauge(
        "kv_cache_usage_perc",
        "Share of the KV cache's blocks in use, 1 is all",
        s -> share(s.memory().usedBlocks(), s.memory().totalBlocks()));
    gauge(
        "kv_blocks_shared", "KV cache blocks of several sequences", s -> s.memory().sharedBlocks());
    gauge(
        "kv_blocks_cached",
        "Free blocks that a prefix still finds",
        s -> s.memory().cachedBlocks());
    counter(
        "prefix_cache_queries",
        "Tokens looked up in the prefix cache",
        s -> s.memory().queriedTokens());
    counter("prefix_cache_hits", "Tokens found there", s -> s.memory().hitTokens());
    counter(
        "num_preemptions", "Sequence groups that gave their blocks back", EngineStats::preemptions);
    counter("num_swap_outs", "Those whose blocks went to the host", EngineStats::swapOuts);
    counter("engine_steps", "Steps executed", EngineStats::steps);
    counter(
        "engine_host_seconds", "Time between steps with work at hand", s -> s.hostNanos() / 1e9);
    counter("prefill_tokens_computed", "Prompt tokens computed", EngineStats::prefillTokens);
    counter("generation_tokens", "Tokens generated", EngineStats::sampledTokens);
    cacheConfig();
    // There before the first request.
    registry.counter(prefix + "prompt_tokens", tags);
    for (String reason : FINISH_REASONS) {
      success(reason);
    }
  }

  /** vLLM's names hold colons and end in their unit already. */
  private static final class Names implements NamingConvention {
    @Override
    public String name(String name, Meter.Type type, @Nullable String baseUnit) {
      return name;
    }

    @Override
    public String tagKey(String key) {
      return key;
    }
  }

  private Counter success(String reason) {
    return registry.counter(prefix + "request_success", tags.and("finished_reason", reason));
  }

  /** How the cache is set up, as labels of a gauge that is always 1. */
  private void cacheConfig() {
    ModelInfo info = engine.info();
    Gauge.builder(prefix + "cache_config_info", () -> 1)
        .description("How the KV cache is set up")
        .tags(
            tags.and(
                "block_size", String.valueOf(info.blockSize()),
                "num_gpu_blocks", String.valueOf(info.kvBlocks())))
        .register(registry);
  }

  private static double share(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  private void gauge(String name, String help, ToDoubleFunction<EngineStats> value) {
    Gauge.builder(prefix + name, engine, e -> value.applyAsDouble(e.stats()))
        .description(help)
        .tags(tags)
        .strongReference(true)
        .register(registry);
  }

  private void counter(String name, String help, ToDoubleFunction<EngineStats> value) {
    FunctionCounter.builder(prefix + name, engine, e -> value.applyAsDouble(e.stats()))
        .description(help)
        .tags(tags)
        .register(registry);
  }

  private void record(String name, double[] buckets, double value) {
    DistributionSummary.builder(prefix + name)
        .tags(tags)
        .serviceLevelObjectives(buckets)
        .register(registry)
        .record(value);
  }

  /** A request is over. */
  void finished(RequestReport report) {
    registry
        .counter(
            prefix + "http_requests", tags.and("path", report.path, "status", "" + report.status))
        .increment();
    for (String reason : report.finishReasons) {
      success(reason).increment();
    }
    if (report.usages.isEmpty()) {
      return;
    }
    record("e2e_request_latency_seconds", SECONDS, report.seconds());
    record("request_params_n", TOKENS, report.samples);
    if (report.maxTokens < Integer.MAX_VALUE) {
      record("request_params_max_tokens", TOKENS, (double) report.maxTokens);
    }
    report.interTokenSeconds().forEach(s -> record("inter_token_latency_seconds", SECONDS, s));
    for (Usage usage : report.usages) {
      registry.counter(prefix + "prompt_tokens", tags).increment(usage.promptTokens());
      record("time_to_first_token_seconds", SECONDS, usage.timeToFirstToken().toNanos() / 1e9);
      record("request_queue_time_seconds", SECONDS, usage.queued().toNanos() / 1e9);
      record("request_prefill_time_seconds", SECONDS, usage.prefill().toNanos() / 1e9);
      record("request_decode_time_seconds", SECONDS, usage.decode().toNanos() / 1e9);
      record(
          "request_inference_time_seconds",
          SECONDS,
          usage.prefill().plus(usage.decode()).toNanos() / 1e9);
      record("request_prompt_tokens", TOKENS, usage.promptTokens());
      record("request_generation_tokens", TOKENS, usage.completionTokens());
      record("request_max_num_generation_tokens", TOKENS, usage.completionTokens());
      record(
          "request_prefill_kv_computed_tokens",
          TOKENS,
          usage.promptTokens() - usage.cachedTokens());
      if (usage.completionTokens() > 1) {
        double each = usage.decode().toNanos() / 1e9 / (usage.completionTokens() - 1);
        record("request_time_per_output_token_seconds", SECONDS, each);
      }
    }
  }

  /** All of it in Prometheus' text format. */
  String scrape() {
    return registry.scrape() + stepTokens();
  }

  /**
   * Tokens of each step, counted by the engine itself. The registry takes no histogram that is
   * filled already, nor one whose name ends like a counter's, so the text is written here.
   */
  private String stepTokens() {
    StepTokens counted = engine.stepTokens();
    String name = prefix + "iteration_tokens_total";
    StringBuilder text = new StringBuilder();
    text.append("# HELP ").append(name).append(" Tokens computed in a step of the engine\n");
    text.append("# TYPE ").append(name).append(" histogram\n");
    String labels =
        tags.stream()
            .map(tag -> tag.getKey() + "=\"" + escaped(tag.getValue()) + "\"")
            .collect(Collectors.joining(","));
    long sum = counted.tokens();
    long upTo = 0;
    for (int i = 0; i <= StepTokens.BOUNDS.size(); i++) {
      upTo += counted.steps(i);
      String bound = i < StepTokens.BOUNDS.size() ? StepTokens.BOUNDS.get(i) + ".0" : "+Inf";
      text.append(name).append("_bucket{").append(labels);
      text.append(",le=\"").append(bound).append("\"} ").append(upTo).append('\n');
    }
    text.append(name).append("_count{").append(labels).append("} ").append(upTo).append('\n');
    text.append(name).append("_sum{").append(labels).append("} ").append(sum).append('\n');
    return text.toString();
  }

  /** A label's value as the text format wants it. */
  private static String escaped(String value) {
    return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }
}
