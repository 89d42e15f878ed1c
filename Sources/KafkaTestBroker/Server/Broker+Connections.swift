import NIOCore

extension Broker {
    func opened(node: Int32, clientHost: String, channel: any Channel) -> Connection {
        connectionCount += 1
        let connection = Connection(
            number: connectionCount, node: node, clientHost: clientHost,
            authentication: SASLMechanism.offered(configuration).isEmpty ? .open : .expectsHandshake)
        channels[connection.number] = channel
        connectionNodes[connection.number] = node
        return connection
    }

    func closed(_ connection: Connection) {
        connection.isOpen = false
        connection.pendingFetch?.cancel()
        connection.pendingFetch = nil
        channels[connection.number] = nil
        connectionNodes[connection.number] = nil
    }
}
