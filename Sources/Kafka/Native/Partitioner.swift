internal import CLibRDKafka

/// How a key leads to a partition.
package enum Partitioner: String, Sendable, Hashable, CaseIterable {
    /// As the Java client does.
    case murmur2
    /// As librdkafka's partitioner `consistent` does, and with it many clients that are built on librdkafka.
    case crc32

    package func partition(forKey key: RawSpan, of partitionCount: Int32) -> Int32 {
        switch self {
        case .murmur2: Murmur2Partitioner.partition(forKey: key, of: partitionCount)
        case .crc32: Self.crc32(key, partitionCount)
        }
    }

    private static func crc32(_ key: RawSpan, _ partitionCount: Int32) -> Int32 {
        precondition(partitionCount > 0)
        return unsafe key.withUnsafeBytes { bytes in
            // As with murmur2, the topic is a parameter of the common signature.
            unsafe rd_kafka_msg_partitioner_consistent(nil, bytes.baseAddress, bytes.count, partitionCount, nil, nil)
        }
    }
}

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
