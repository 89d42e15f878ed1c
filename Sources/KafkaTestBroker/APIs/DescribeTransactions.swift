/// `DescribeTransactions`: state and partitions of transactions.
enum DescribeTransactions {
    struct Request: RequestBody {
        var transactionalIDs: [String] = []

        mutating func fields(_ wire: inout Coder) { wire(&transactionalIDs) }
    }

    typealias Response = ListResponse<Answer>

    struct Answer: Message {
        var error = KafkaErrorCode.none
        var id = ""
        var state = ""
        var timeoutMilliseconds: Int32 = 0
        var started: Int64 = 0
        var producer = TransactionTable.Producer(id: 0, epoch: 0)
        var topics: [TopicItems<Int32>] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&error)
            wire(&id, &state)
            wire(&timeoutMilliseconds, &started)
            wire(&producer, &topics)
        }
    }
}

extension Broker {
    func describeTransactions(_ request: DescribeTransactions.Request, _ context: RequestContext) {
        let described = request.transactionalIDs.map { id in
            var answer = DescribeTransactions.Answer(id: id)
            do throws(KafkaErrorCode) {
                try context.injectedError().check()
                try coordinatorError(for: id, context).check()
                guard let transaction = transactions.transactions[id] else { throw .transactionalIDNotFound }
                answer.state = transaction.state.rawValue
                answer.timeoutMilliseconds = transaction.timeoutMilliseconds
                answer.started = transaction.started
                answer.producer = transaction.producer
                answer.topics = Dictionary(grouping: transaction.partitions, by: \.topic).sorted { $0.key < $1.key }
                    .map { TopicItems(name: $0, partitions: $1.map(\.partition).sorted()) }
            } catch {
                answer.error = error
            }
            return answer
        }
        context.reply(DescribeTransactions.Response(answers: described))
    }
}
