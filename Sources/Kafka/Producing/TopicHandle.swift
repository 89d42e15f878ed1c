/// A topic that a producer has prepared: valid for that producer only.
package struct TopicHandle: Sendable, Hashable {
    let index: Int32
    /// How many partitions the topic has for this producer: those it had when the producer first heard of it.
    package let partitionCount: Int32

    package init(index: Int32, partitionCount: Int32) {
        self.index = index
        self.partitionCount = partitionCount
    }

    /// The partition of a key: unless told otherwise, the one Java clients choose.
    package func partition(forKey key: RawSpan, by partitioner: Partitioner = .murmur2) -> Int32 {
        partitioner.partition(forKey: key, of: partitionCount)
    }

    /// Distinguishes the producer's topics.
    package var number: Int { Int(index) }
}
