// A Java process with a heap to be dumped by the benchmark of captures (bench_capture.py), beside
// what rudo-snap does to capture_writer.c.
//
//     java CapturedHeap.java FILE MIB
//
// Small objects that refer to each other, about MIB of them. FILE gets what capture_writer's gets:
// 64-bit numbers, the second the longest time between two turns of a thread that is due every
// millisecond, in ns, which whoever measures sets to zero. Prints "ready".

import java.io.RandomAccessFile;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;

public class CapturedHeap {
    // 32 bytes: a header of 12, references of 4, padding.
    static final class Node {
        Node left, right;
        long value;
    }

    static final int OBJECT_BYTES = 32 + 4; // and its place in the array

    public static void main(String[] arguments) throws Exception {
        int count = (int)(Long.parseLong(arguments[1]) * (1 << 20) / OBJECT_BYTES);
        Node[] nodes = new Node[count];
        MappedByteBuffer figures;

        for (int i = 0; i < count; i++) {
            nodes[i] = new Node();
            nodes[i].left = nodes[i / 2];
            nodes[i].right = nodes[(int)(i * 2654435761L % (i + 1))];
            nodes[i].value = i;
        }
        try (RandomAccessFile file = new RandomAccessFile(arguments[0], "rw")) {
            file.setLength(24);
            figures = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 24);
        }
        figures.order(ByteOrder.nativeOrder());
        System.out.println("ready");
        System.out.flush();
        for (long before = System.nanoTime();;) {
            long now;

            Thread.sleep(1);
            now = System.nanoTime();
            if (now - before > figures.getLong(8))
                figures.putLong(8, now - before);
            before = now;
            if (nodes[(int)(now % count)].value < 0)
                break; // never: the nodes are in use
        }
    }
}
