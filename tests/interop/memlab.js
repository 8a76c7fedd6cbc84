// memlab reads a heap snapshot: prints the largest retained sizes that it finds as JSON.

const {getFullHeapFromFile} = require('@memlab/heap-analysis');

getFullHeapFromFile(process.argv[2]).then(heap => {
    const sizes = [];
    heap.nodes.forEach(node => {
        if (node.type === 'object' || node.type === 'native')
            sizes.push(node.retainedSize);
    });
    sizes.sort((a, b) => b - a);
    console.log('\n' + JSON.stringify({sizes: sizes.slice(0, 100)}));
});
