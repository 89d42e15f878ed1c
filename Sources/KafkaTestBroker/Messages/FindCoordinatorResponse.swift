/// The response of `FindCoordinator`, versions 0 to 6.
struct FindCoordinatorResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none
    var errorMessage: String? = nil
    var nodeID: Int32 = 0
    var host: String = ""
    var port: Int32 = 0
    var coordinators: [Coordinator] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 1 { writer.int32(throttleTimeMilliseconds) }
        if version <= 3 { writer.error(errorCode) }
        if (1...3).contains(version) { writer.string(errorMessage) }
        if version <= 3 { writer.int32(nodeID) }
        if version <= 3 { writer.string(host) }
        if version <= 3 { writer.int32(port) }
        if version >= 4 { writer.array(coordinators) { writer, item in item.encode(to: &writer, version: version) } }
        writer.tags()
    }

    struct Coordinator {
        var key: String = ""
        var nodeID: Int32 = 0
        var host: String = ""
        var port: Int32 = 0
        var errorCode: KafkaErrorCode = .none
        var errorMessage: String? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 4 { writer.string(key) }
            if version >= 4 { writer.int32(nodeID) }
            if version >= 4 { writer.string(host) }
            if version >= 4 { writer.int32(port) }
            if version >= 4 { writer.error(errorCode) }
            if version >= 4 { writer.string(errorMessage) }
            writer.tags()
        }
    }
}
