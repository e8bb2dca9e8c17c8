package dev.quire.bench.paper;

import dev.quire.paging.CacheGroup;
import dev.quire.paging.KvAllocator;
import dev.quire.paging.KvCacheConfig;
import dev.quire.paging.PagedAllocator;
import dev.quire.paging.ReservationPolicy;
import dev.quire.paging.ReservingAllocator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The systems that the paper compares; all run the engine's scheduler. */
public enum ServingSystem {
  /** Batches that start and end as a whole, each sequence with the maximum length reserved. */
  FASTER_TRANSFORMER("FasterTransformer", ReservationPolicy.MAX),
  ORCA_MAX("Orca (Max)", ReservationPolicy.MAX),
  ORCA_POW2("Orca (Pow2)", ReservationPolicy.POWER_OF_TWO),
  ORCA_ORACLE("Orca (Oracle)", ReservationPolicy.ORACLE),
  PAGED("Quire", null);

  private final String label;
  private final @Nullable ReservationPolicy reservation;

  ServingSystem(String label, @Nullable ReservationPolicy reservation) {
    this.label = label;
    this.reservation = reservation;
  }

  public String label() {
    return label;
  }

  boolean paged() {
    return reservation == null;
  }

  KvAllocator allocator(int slots, int blockSize, int maxTokens, boolean prefixCaching) {
    int blocks = slots / blockSize;
    KvCacheConfig config =
        new KvCacheConfig(
            blockSize, new int[] {blocks}, List.of(new CacheGroup("full", 0)), prefixCaching, 0.01);
    return reservation == null
        ? new PagedAllocator(config)
        : new ReservingAllocator(config, reservation, maxTokens);
  }
}
