/// The request of `FindCoordinator`, versions 0 to 6.
struct FindCoordinatorRequest: RequestMessage {
    static let api = APIKey.findCoordinator

    var key: String = ""
    var keyType: Int8 = 0
    var coordinatorKeys: [String] = []

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        if version <= 3 { key = try reader.string() }
        if version >= 1 { keyType = try reader.int8() }
        if version >= 4 { coordinatorKeys = try reader.stringArray() }
        try reader.tags()
    }
}
