/// What the control endpoint can be told, beside faults.
struct ControlCommand: Codable {
    var topic: String?
    var partition: Int32?
    var producerID: Int64?
    var node: Int32?
    var transactionalID: String?
    var milliseconds: Int64?

    private enum CodingKeys: String, CodingKey {
        case topic, partition, node, milliseconds
        case transactionalID = "transactional_id"
        case producerID = "producer_id"
    }
}

/// A fault as the control endpoint lists it.
struct ListedFault: Codable {
    let number: Int
    let fault: Fault
    let hits: Int
}
