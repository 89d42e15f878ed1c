/// `godwit dev`: the servers and a relay, kept up until a signal.
package struct DevelopmentRun: Sendable {
    package init() {}

    /// `tell` hears of each step, `ready` once of the servers.
    package func run(tell: (String) -> Void, ready: (DevelopmentServers) -> Void) async throws {
        let servers = try await DevelopmentServers.start(tell: tell)
        do {
            let relays = try RelayProcess(servers.configuration)
            ready(servers)
            try await relays.runUntilSignalled()
            await servers.stop()
        } catch {
            await servers.stop()
            throw error
        }
    }
}
