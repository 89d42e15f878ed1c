internal import CLibRDKafka

/// librdkafka's list of partitions and offsets, freed with this value.
@safe struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(capacity: Int) {
        unsafe pointer = rd_kafka_topic_partition_list_new(Int32(capacity))
    }

    deinit { unsafe rd_kafka_topic_partition_list_destroy(pointer) }

    var count: Int { unsafe Int(pointer.pointee.cnt) }

    func add(_ partition: TopicPartition, offset: Int64) {
        let element = unsafe rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
        unsafe element?.pointee.offset = offset
    }

    /// Adds the other list's partitions with their offsets.
    func addAll(of other: borrowing PartitionList) {
        for index in 0..<other.count {
            let element = unsafe other.pointer.pointee.elems[index]
            let name = unsafe String(cString: element.topic)
            unsafe add(TopicPartition(name, element.partition), offset: element.offset)
        }
    }
}
