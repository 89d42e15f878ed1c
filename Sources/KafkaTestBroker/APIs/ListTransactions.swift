/// `ListTransactions`: the transactions that the node coordinates. Version 1 can ask for long ones only.
enum ListTransactions {
    struct Request: RequestBody {
        var states: [String] = []
        var producerIDs: [Int64] = []
        /// In milliseconds; -1 takes all.
        var longerThan: Int64 = -1

        mutating func fields(_ wire: inout Coder) {
            wire(&states, &producerIDs)
            wire(&longerThan, 1...)
        }

        func wants(_ transaction: Transaction, now: Int64) -> Bool {
            (states.isEmpty || states.contains(transaction.state.rawValue))
                && (producerIDs.isEmpty || producerIDs.contains(transaction.producerID))
                && (longerThan < 0 || (transaction.started >= 0 && now - transaction.started > longerThan))
        }
    }

    struct Response: ErrorAnswer {
        var error = KafkaErrorCode.none
        var unknownStates: [String] = []
        var transactions: [Answer] = []

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            wire(&error, &unknownStates, &transactions)
        }
    }

    struct Answer: Message {
        var id = ""
        var producerID: Int64 = 0
        var state = ""

        mutating func fields(_ wire: inout Coder) { wire(&id, &producerID, &state) }
    }
}

extension Broker {
    func listTransactions(
        _ request: ListTransactions.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> ListTransactions.Response {
        let node = context.connection.node
        try coordinatorError(of: node).check()
        let listed = transactions.transactions.values.sorted { $0.id < $1.id }.filter {
            coordinatorNode(of: $0.id) == node && request.wants($0, now: now)
        }
        return ListTransactions.Response(
            unknownStates: request.states.filter { Transaction.State(rawValue: $0) == nil },
            transactions: listed.map { .init(id: $0.id, producerID: $0.producerID, state: $0.state.rawValue) })
    }
}
