// The loader of Chrome's DevTools reads a heap snapshot: prints the sizes that it finds as JSON, and
// any problem that it reports. interop.sh puts it together.

import {readFileSync} from 'node:fs';

import {SecondaryInitManager} from 'devtools/entrypoints/heap_snapshot_worker/HeapSnapshot.js';
import {HeapSnapshotLoader} from 'devtools/entrypoints/heap_snapshot_worker/HeapSnapshotLoader.js';

// Newer than Node.js 20.
(Promise as any).withResolvers ??= function() {
    let resolve: any, reject: any;
    const promise = new Promise((a, b) => { resolve = a; reject = b; });
    return {promise, resolve, reject};
};

async function main() {
    const problems: string[] = [];
    const dispatcher = {sendEvent: (name: string, data: any) => {
        if (/problem/i.test(name + JSON.stringify(data)))
            problems.push(String(data));
    }};
    const loader = new HeapSnapshotLoader(dispatcher as any);
    const text = readFileSync(process.argv[2], 'utf8');
    for (let at = 0; at < text.length; at += 1 << 20)
        loader.write(text.slice(at, at + (1 << 20)));
    loader.close();
    const channel = new MessageChannel();
    new SecondaryInitManager(channel.port1 as any);
    const heap: any = await loader.buildSnapshot(channel.port2 as any);
    const sizes: number[] = [];
    const node = heap.createNode(0);
    for (let i = 0; i < heap.nodeCount; i++) {
        node.nodeIndex = i * heap.nodeFieldCount;
        if (['object', 'native'].includes(node.type()))
            sizes.push(node.retainedSize());
    }
    sizes.sort((a, b) => b - a);
    console.log(JSON.stringify({total: heap.totalSize, problems, sizes: sizes.slice(0, 100)}));
    channel.port1.close();
}

main();
