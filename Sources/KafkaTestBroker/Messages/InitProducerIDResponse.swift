/// The response of `InitProducerId`, versions 0 to 5.
struct InitProducerIDResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none
    var producerID: Int64 = -1
    var producerEpoch: Int16 = 0

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.error(errorCode)
        writer.int64(producerID)
        writer.int16(producerEpoch)
        writer.tags()
    }
}
