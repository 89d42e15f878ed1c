/// `Heartbeat`: a member is alive, and learns that the group shares anew.
enum Heartbeat {
    struct Request: RequestBody {
        var groupID = ""
        var generation: Int32 = 0
        var memberID = ""
        var instanceID: String?

        mutating func fields(_ wire: inout Coder) {
            wire(&groupID, &generation, &memberID)
            wire(&instanceID, 3...)
        }
    }
}

extension Broker {
    func heartbeat(_ request: Heartbeat.Request, _ context: RequestContext) throws(KafkaErrorCode) -> ErrorResponse {
        let (group, member) = try member(
            request.memberID, request.instanceID, of: request.groupID, generation: request.generation)
        groups.touch(member, in: group)
        if group.state == .preparingRebalance { throw .rebalanceInProgress }
        return ErrorResponse()
    }
}
