internal import CLibRDKafka

/// The partition Java clients choose for a key.
package enum Murmur2Partitioner {
    package static func partition(forKey key: RawSpan, of partitionCount: Int32) -> Int32 {
        precondition(partitionCount > 0)
        return unsafe key.withUnsafeBytes { bytes in
            // librdkafka's function looks at key and count only; the topic is a parameter of the common signature.
            unsafe rd_kafka_msg_partitioner_murmur2(nil, bytes.baseAddress, bytes.count, partitionCount, nil, nil)
        }
    }
}
