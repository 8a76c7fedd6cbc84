// A benched graph in the heap of a Java virtual machine: bench_edges.c, transliterated.
//
//     java -Xlog:gc+phases=debug ... PeerHeap GRAPH [DIVISOR]
//
// Says "ready"; then, for every line on stdin, collects and says "done". How long the mark
// phase took is in the log that the virtual machine writes meanwhile. With compressed
// references a Node has 64 bytes and a Wide 256, as in our heap.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;

public final class PeerHeap {
    private static final int LOCAL_REACH = 64;
    private static final int LOCAL_ODDS = 10;

    private static class Node {
        Node first;
        Node second;
        long a, b, c, d, e;
    }

    private static final class Wide extends Node {
        long f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11;
        long g0, g1, g2, g3, g4, g5, g6, g7, g8, g9, g10, g11;
    }

    private static long random = 1;
    private static Object root;

    private static long below(long bound) {
        random ^= random << 13;
        random ^= random >>> 7;
        random ^= random << 17;
        return Long.remainderUnsigned(random, bound);
    }

    private static int nodesOf(String graph, int divisor) {
        switch (graph) {
        case "G1":
        case "G2":
            return 10_000_000 / divisor;
        case "G5": {
            int most = ((1 << 22) - 1) / divisor;
            int tree = 1;
            while (2 * tree + 1 <= most)
                tree = 2 * tree + 1;
            return tree;
        }
        case "G6":
            return 3_000_000 / divisor;
        case "G3-ordered":
        case "G3-shuffled":
        case "G4-ordered":
        case "G4-shuffled":
            return 5_000_000 / divisor;
        default:
            throw new IllegalArgumentException("there is no graph '" + graph + "'");
        }
    }

    private static int[] shuffled(int count, int first) {
        int[] order = new int[count];
        for (int i = 0; i < count; i++)
            order[i] = i;
        for (int left = count; left > first + 1; left--) {
            int other = first + (int) below(left - first);
            int last = order[left - 1];
            order[left - 1] = order[other];
            order[other] = last;
        }
        return order;
    }

    private static int localOrRandom(int node, int nodes) {
        int low = Math.max(0, node - LOCAL_REACH);
        int high = Math.min(nodes - 1, node + LOCAL_REACH);
        if (below(LOCAL_ODDS) == 0)
            return (int) below(nodes);
        return low + (int) below(high - low + 1);
    }

    private static void fillRandomly(Node[] nodes, String graph) {
        int count = nodes.length;
        for (int i = 0; i < count; i++) {
            boolean isLocal = graph.equals("G2");
            nodes[i].first = nodes[isLocal ? localOrRandom(i, count) : (int) below(count)];
            nodes[i].second = nodes[isLocal ? localOrRandom(i, count) : (int) below(count)];
            // The words behind the references are no references to this collector, whatever
            // they hold; only the stream of random numbers has to move on.
            for (int word = 0; word < 24 && graph.equals("G6"); word++)
                below(1);
        }
    }

    private static void fillTree(Node[] nodes) {
        int[] pending = new int[40];
        int depth = 0;
        pending[depth++] = 32 - Integer.numberOfLeadingZeros(nodes.length);
        for (int i = 0; i < nodes.length; i++) {
            int height = pending[--depth];
            if (height == 1)
                continue;
            pending[depth++] = height - 1;
            pending[depth++] = height - 1;
            nodes[i].first = nodes[i + 1];
            nodes[i].second = nodes[i + (1 << (height - 1))];
        }
    }

    private static Object arrayOf(Node[] nodes, boolean isShuffled) {
        Node[] array = new Node[nodes.length];
        int[] order = isShuffled ? shuffled(nodes.length, 0) : null;
        for (int i = 0; i < nodes.length; i++)
            array[i] = nodes[order == null ? i : order[i]];
        return array;
    }

    private static void fillList(Node[] nodes, boolean isShuffled) {
        int[] order = isShuffled ? shuffled(nodes.length, 1) : null;
        for (int i = 0; i + 1 < nodes.length; i++) {
            if (order == null)
                nodes[i].first = nodes[i + 1];
            else
                nodes[order[i]].first = nodes[order[i + 1]];
        }
    }

    private static Object build(String graph, int count) {
        Node[] nodes = new Node[count];
        for (int i = 0; i < count; i++)
            nodes[i] = graph.equals("G6") ? new Wide() : new Node();
        if (graph.startsWith("G4"))
            return arrayOf(nodes, graph.equals("G4-shuffled"));
        if (graph.startsWith("G3"))
            fillList(nodes, graph.equals("G3-shuffled"));
        else if (graph.equals("G5"))
            fillTree(nodes);
        else
            fillRandomly(nodes, graph);
        return nodes[0];
    }

    public static void main(String[] arguments) throws IOException {
        int divisor = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1;
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        root = build(arguments[0], nodesOf(arguments[0], divisor));
        System.out.println("ready");
        while (lines.readLine() != null) {
            System.gc();
            System.out.println("done");
        }
    }
}
