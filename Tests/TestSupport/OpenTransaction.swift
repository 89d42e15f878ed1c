import Testing

/// A transaction that another client holds open in a topic, with a record in it.
///
/// The client is confluent-kafka in the virtual environment of the conformance suite.
package struct OpenTransaction: Sendable {
    private let command: RunningCommand
    private let folder: TestFolder

    package static func begin(in topic: String, of kafka: TestKafka) async throws -> OpenTransaction {
        let python = try await OutsideClients.python()
        let folder = try TestFolder()
        let script = """
            import os, sys, time
            from confluent_kafka import Producer
            servers, topic, end = sys.argv[1:]
            producer = Producer({"bootstrap.servers": servers, "transactional.id": "open-" + topic})
            producer.init_transactions(30)
            producer.begin_transaction()
            producer.produce(topic, b"open")
            producer.flush(30)
            print("open", flush=True)
            while not os.path.exists(end):
                time.sleep(0.05)
            producer.commit_transaction(30)
            """
        let command = try Command(python, ["-c", script, kafka.bootstrapServers, topic, "\(folder.path)/end"]).start()
        try await eventually("no transaction was begun: \(command.standardError)", within: .seconds(60)) {
            command.standardOutput.contains("open")
        }
        return OpenTransaction(command: command, folder: folder)
    }

    package func commit() async throws {
        try folder.write("end", "")
        _ = await command.result()
    }
}
