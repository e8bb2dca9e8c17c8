package dev.quire.paging;

import java.util.List;

/**
 * One block of a cache group at one moment, for people to look at.
 *
 * @param owners numbers of the sequences that refer to it, as in {@link BlockMap#owners}
 * @param references how many refer to it, pinned prefixes included
 * @param firstPosition the position in its sequences of its first token; −1 where it holds none
 * @param filled tokens that it holds
 * @param tokens those tokens, where its prefix can be found; else empty
 */
public record BlockDetail(
    List<Long> owners, int references, int firstPosition, int filled, List<Integer> tokens) {
  public BlockDetail {
    owners = List.copyOf(owners);
    tokens = List.copyOf(tokens);
  }
}
