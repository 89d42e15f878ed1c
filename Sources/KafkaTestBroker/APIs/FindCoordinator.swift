/// `FindCoordinator`: the node to ask about a group or a transactional id. Version 4 asks for several at a time.
enum FindCoordinator {
    struct Request: RequestBody {
        var keys: [String] = []
        /// 0 for groups, 1 for transactional ids.
        var keyType: Int8 = 0

        mutating func fields(_ wire: inout Coder) {
            if wire.format.version < 4 {
                var key = keys.first ?? ""
                wire(&key)
                keys = [key]
            }
            wire(&keyType, 1...)
            wire(&keys, 4...)
        }

        var transactionalIDs: [String] { keyType == 1 ? keys : [] }
    }

    struct Response: Message {
        var coordinators: [Answer] = []

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            if wire.format.version < 4 {
                var answer = coordinators.first ?? Answer()
                wire(&answer.error)
                wire.unused("error_message", String?.none, 1...)
                wire(&answer.address.id, &answer.address.host, &answer.address.port)
                coordinators = [answer]
            }
            wire(&coordinators, 4...)
        }
    }

    struct Answer: Message {
        var key = ""
        var address = NodeAddress(id: -1, port: -1)
        var error = KafkaErrorCode.none

        mutating func fields(_ wire: inout Coder) {
            wire(&key)
            wire(&address.id, &address.host, &address.port)
            wire(&error)
            wire.unused("error_message", String?.none)
        }
    }
}

extension Broker {
    func findCoordinator(_ request: FindCoordinator.Request, _ context: RequestContext) {
        let error = context.injectedError() ?? ((0...1).contains(request.keyType) ? .none : .invalidRequest)
        let found = request.keys.map { key -> FindCoordinator.Answer in
            guard error == .none else { return .init(key: key, error: error) }
            // Groups are coordinated by the first node, transactions by the leader of the partition they belong to.
            guard let node = request.keyType == 0 ? 1 : coordinatorNode(of: key) else {
                return .init(key: key, error: .coordinatorNotAvailable)
            }
            return .init(key: key, address: address(of: node))
        }
        context.reply(FindCoordinator.Response(coordinators: found))
    }
}
