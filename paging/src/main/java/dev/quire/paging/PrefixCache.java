package dev.quire.paging;

import java.util.Arrays;
import java.util.List;

/**
 * What the blocks hold: a tree whose nodes are full blocks of tokens, each below the block that
 * comes before it in the sequence.
 *
 * <p>A node is found by a chained hash (the parent's hash and the block's tokens; the cache salt at
 * the root) in an open-addressing table and confirmed by comparing parent and tokens. As the parent
 * was confirmed the same way, a match is exact for the whole prefix. A node stays as long as it is
 * <i>used</i>: by a block that holds its tokens in some cache group, by a child, or by a live
 * sequence that will add children to it. So a node's number cannot come to mean something else
 * while anything below it is alive, and a windowed group may lose the early blocks of a prefix
 * without losing what follows.
 *
 * <pre>
 *   root(salt) ── [The quick brown fox] ─┬─ [jumps over the lazy]
 *                  blocks: g0 17, g1 −1  │   blocks: g0 4, g1 9
 *                                        └─ [is quick. That is ..]
 *                                            blocks: g0 5, g1 2
 * </pre>
 */
final class PrefixCache {
  /** The empty prefix. */
  static final int ROOT = -1;

  /** No such node. */
  static final int ABSENT = -2;

  private static final int NONE = BlockPool.NONE;

  private final int blockSize;
  private final int groups;
  private final int maxNodes;
  private int capacity;
  private int nodeCount;
  // Nodes never used so far start here; given-back ones are chained through parents.
  private int fresh;
  private int recycled = NONE;
  private int[] tokens;
  private int[] parents;
  private long[] salts;
  private long[] hashes;
  private int[] uses;
  private int[] blocks;
  // Node + 1, or 0 for an empty place; linear probing, at most half full.
  private int[] table;

  /**
   * @param maxNodes nodes at most; further blocks are simply not findable
   */
  PrefixCache(int blockSize, int groups, long maxNodes) {
    this.blockSize = blockSize;
    this.groups = groups;
    int largest = (1 << 30) / Math.max(blockSize, groups);
    this.maxNodes = (int) Math.min(maxNodes, largest);
    capacity = Math.min(256, this.maxNodes);
    tokens = new int[capacity * blockSize];
    parents = new int[capacity];
    salts = new long[capacity];
    hashes = new long[capacity];
    uses = new int[capacity];
    blocks = new int[capacity * groups];
    Arrays.fill(blocks, NONE);
    table = new int[tableSize(capacity)];
  }

  private static int tableSize(int capacity) {
    return Integer.highestOneBit(Math.max(1, 2 * capacity - 1)) << 1;
  }

  /** The child of a node that holds a block of tokens, or {@link #ABSENT}. */
  int find(int parent, long salt, int[] source, int offset) {
    long hash = hash(parent, salt, source, offset);
    int mask = table.length - 1;
    for (int place = place(hash, mask); table[place] != 0; place = (place + 1) & mask) {
      int node = table[place] - 1;
      if (hashes[node] == hash && matches(node, parent, salt, source, offset)) {
        return node;
      }
    }
    return ABSENT;
  }

  /** Finds a child or adds it, with no use of its own yet; {@link #ABSENT} when all is full. */
  int findOrAdd(int parent, long salt, int[] source, int offset) {
    int found = find(parent, salt, source, offset);
    if (found != ABSENT || (recycled == NONE && fresh == capacity && !grow())) {
      return found;
    }
    int node = recycled;
    if (node == NONE) {
      node = fresh++;
    } else {
      recycled = parents[node];
    }
    nodeCount++;
    System.arraycopy(source, offset, tokens, node * blockSize, blockSize);
    parents[node] = parent;
    salts[node] = salt;
    hashes[node] = hash(parent, salt, source, offset);
    uses[node] = 0;
    use(parent);
    insert(node);
    return node;
  }

  private boolean matches(int node, int parent, long salt, int[] source, int offset) {
    int start = node * blockSize;
    return parents[node] == parent
        && (parent != ROOT || salts[node] == salt)
        && Arrays.equals(tokens, start, start + blockSize, source, offset, offset + blockSize);
  }

  private long hash(int parent, long salt, int[] source, int offset) {
    long hash = parent == ROOT ? salt ^ 0x9E3779B97F4A7C15L : hashes[parent];
    for (int i = offset; i < offset + blockSize; i++) {
      hash = (hash ^ source[i]) * 0xBF58476D1CE4E5B9L;
      hash ^= hash >>> 29;
    }
    return hash;
  }

  private static int place(long hash, int mask) {
    return (int) (hash ^ (hash >>> 32)) & mask;
  }

  private void insert(int node) {
    int mask = table.length - 1;
    int place = place(hashes[node], mask);
    while (table[place] != 0) {
      place = (place + 1) & mask;
    }
    table[place] = node + 1;
  }

  private boolean grow() {
    if (capacity == maxNodes) {
      return false;
    }
    int old = capacity;
    capacity = (int) Math.min(2L * capacity, maxNodes);
    tokens = Arrays.copyOf(tokens, capacity * blockSize);
    parents = Arrays.copyOf(parents, capacity);
    salts = Arrays.copyOf(salts, capacity);
    hashes = Arrays.copyOf(hashes, capacity);
    uses = Arrays.copyOf(uses, capacity);
    blocks = Arrays.copyOf(blocks, capacity * groups);
    Arrays.fill(blocks, old * groups, capacity * groups, NONE);
    table = new int[tableSize(capacity)];
    // Only called with no recycled node, so all before the old capacity are in use.
    for (int node = 0; node < old; node++) {
      insert(node);
    }
    return true;
  }

  /** Adds a use; the root needs none. */
  void use(int node) {
    if (node != ROOT) {
      uses[node]++;
    }
  }

  /** Drops a use; a node without one is removed, and with it its use of its parent. */
  void unuse(int node) {
    int current = node;
    while (current != ROOT && --uses[current] == 0) {
      remove(current);
      int parent = parents[current];
      parents[current] = recycled;
      recycled = current;
      nodeCount--;
      current = parent;
    }
  }

  /** Empties a place of the table and moves back what was displaced by it. */
  private void remove(int node) {
    int mask = table.length - 1;
    int hole = place(hashes[node], mask);
    while (table[hole] != node + 1) {
      hole = (hole + 1) & mask;
    }
    for (int place = (hole + 1) & mask; table[place] != 0; place = (place + 1) & mask) {
      int home = place(hashes[table[place] - 1], mask);
      if (((place - home) & mask) >= ((place - hole) & mask)) {
        table[hole] = table[place];
        hole = place;
      }
    }
    table[hole] = 0;
  }

  int parent(int node) {
    return parents[node];
  }

  /** The tokens of a node's own block. */
  List<Integer> tokens(int node) {
    int start = node * blockSize;
    return Arrays.stream(tokens, start, start + blockSize).boxed().toList();
  }

  /** Blocks before a node's own in its prefix. */
  int depth(int node) {
    int depth = 0;
    for (int above = parents[node]; above != ROOT; above = parents[above]) {
      depth++;
    }
    return depth;
  }

  /** The block that holds a node's tokens in a group, or −1. */
  int block(int node, int group) {
    return blocks[node * groups + group];
  }

  /** Makes a block findable. */
  void bind(int node, int group, int block) {
    blocks[node * groups + group] = block;
    uses[node]++;
  }

  /** Makes a node's block in a group unfindable. */
  void unbind(int node, int group) {
    blocks[node * groups + group] = NONE;
    unuse(node);
  }

  int nodeCount() {
    return nodeCount;
  }

  /**
   * Compares every node with the uses that its owner knows of.
   *
   * @param sequenceUses uses by sequences, by node
   */
  void check(int[] sequenceUses, BlockPool[] pools) {
    int[] counted = Arrays.copyOf(sequenceUses, capacity);
    int live = 0;
    for (int place : table) {
      if (place == 0) {
        continue;
      }
      int node = place - 1;
      live++;
      if (parents[node] != ROOT) {
        counted[parents[node]]++;
      }
      for (int group = 0; group < groups; group++) {
        int block = block(node, group);
        if (block != NONE) {
          counted[node]++;
          if (pools[group].node(block) != node) {
            throw new PagingException(
                "prefix node %d has block %d of group %d, which holds node %d"
                    .formatted(node, block, group, pools[group].node(block)));
          }
        }
      }
      if (find(parents[node], salts[node], tokens, node * blockSize) != node) {
        throw new PagingException("prefix node %d is not found by its own tokens".formatted(node));
      }
    }
    if (live != nodeCount) {
      throw new PagingException(
          "prefix cache counts %d nodes, its table has %d".formatted(nodeCount, live));
    }
    for (int place : table) {
      if (place != 0 && (counted[place - 1] != uses[place - 1] || uses[place - 1] == 0)) {
        throw new PagingException(
            "prefix node %d counts %d uses, but has %d"
                .formatted(place - 1, uses[place - 1], counted[place - 1]));
      }
    }
    for (int group = 0; group < pools.length; group++) {
      for (int block = 0; block < pools[group].size(); block++) {
        int node = pools[group].node(block);
        if (node != NONE && block(node, group) != block) {
          throw new PagingException(
              "block %d of group %d holds prefix node %d, which has block %d"
                  .formatted(block, group, node, block(node, group)));
        }
      }
    }
  }

  int capacity() {
    return capacity;
  }
}
