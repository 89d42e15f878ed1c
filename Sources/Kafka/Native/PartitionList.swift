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

    func forEach(_ body: (TopicPartition, Int64) -> Void) {
        for index in 0..<count {
            let element = unsafe pointer.pointee.elems[index]
            let name = unsafe String(cString: element.topic)
            unsafe body(TopicPartition(name, element.partition), element.offset)
        }
    }

    /// The first error that a partition has for itself, while the request as a whole went well.
    func firstError(_ context: String) -> KafkaError? {
        for index in 0..<count {
            let element = unsafe pointer.pointee.elems[index]
            if unsafe element.err == RD_KAFKA_RESP_ERR_NO_ERROR { continue }
            let name = unsafe String(cString: element.topic)
            return unsafe KafkaError(
                response: element.err, context: "\(context) of \(TopicPartition(name, element.partition))")
        }
        return nil
    }
}
