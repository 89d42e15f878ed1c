/// The response of `DescribeCluster`, versions 0 to 2.
struct DescribeClusterResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none
    var errorMessage: String? = nil
    var endpointType: Int8 = 1
    var clusterID: String = ""
    var controllerID: Int32 = -1
    var brokers: [DescribeClusterBroker] = []
    var clusterAuthorizedOperations: Int32 = .min

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.error(errorCode)
        writer.string(errorMessage)
        if version >= 1 { writer.int8(endpointType) }
        writer.string(clusterID)
        writer.int32(controllerID)
        writer.array(brokers) { writer, item in item.encode(to: &writer, version: version) }
        writer.int32(clusterAuthorizedOperations)
        writer.tags()
    }

    struct DescribeClusterBroker {
        var brokerID: Int32 = 0
        var host: String = ""
        var port: Int32 = 0
        var rack: String? = nil
        var isFenced: Bool = false

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int32(brokerID)
            writer.string(host)
            writer.int32(port)
            writer.string(rack)
            if version >= 2 { writer.bool(isFenced) }
            writer.tags()
        }
    }
}
