package dev.quire.bench.kernels;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** All cases. */
public final class KernelCases {
  private KernelCases() {}

  /** The cases of a scale, siblings together. */
  public static List<KernelCase> of(Scale scale) {
    List<KernelCase> all = new ArrayList<>(ProductCases.of(scale));
    all.addAll(AttentionCases.of(scale));
    all.addAll(RowCases.of(scale));
    all.addAll(ArchitectureCases.of(scale));
    all.addAll(MovementCases.of(scale));
    return all;
  }

  /**
   * Those whose name has one of the patterns in it, whatever the case of its letters, in the
   * patterns' order.
   *
   * @param patterns parts of names, {@code *} for anything between; none: all cases
   */
  public static List<KernelCase> matching(List<KernelCase> cases, List<String> patterns) {
    Set<KernelCase> chosen = new LinkedHashSet<>(patterns.isEmpty() ? cases : List.of());
    for (String pattern : patterns) {
      cases.stream().filter(one -> has(one.name(), pattern)).forEach(chosen::add);
    }
    return List.copyOf(chosen);
  }

  /**
   * The work of the case of this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static KernelWork work(Scale scale, String name) {
    return of(scale).stream()
        .filter(one -> one.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no kernel case " + name))
        .work()
        .get();
  }

  private static boolean has(String name, String pattern) {
    String rest = name.toLowerCase(Locale.ROOT);
    for (String part : pattern.toLowerCase(Locale.ROOT).split("\\*", -1)) {
      int at = rest.indexOf(part);
      if (at < 0) {
        return false;
      }
      rest = rest.substring(at + part.length());
    }
    return true;
  }
}
