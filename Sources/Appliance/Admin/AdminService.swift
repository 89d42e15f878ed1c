import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The admin port in the process's life cycle: it answers until everything else has ended.
struct AdminService: Service {
    let address: AdminSection.Address
    let endpoints: AdminEndpoints
    let logger: Logger

    func run() async throws {
        // One thread is plenty for probes and scrapes.
        let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let listener = try await bind(threads)
            await withTaskGroup { group in
                group.addTask { await endpoints.observer.run() }
                await serve(listener)
                group.cancelAll()
            }
            try? await threads.shutdownGracefully()
        } catch {
            try? await threads.shutdownGracefully()
            throw error
        }
    }

    private func bind(_ threads: MultiThreadedEventLoopGroup) async throws(Failure) -> AdminListener {
        do {
            let listener = try await AdminListener.bind(address, on: threads)
            logger.notice("the admin port is open", metadata: ["listen": "\(listener.address)"])
            return listener
        } catch {
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
            throw Failure(
                .addressTaken,
                "the admin port cannot listen on \(address): \(reason); choose another \"admin.listen\"")
        }
    }

    private func serve(_ listener: AdminListener) async {
        await withTaskCancellationOrGracefulShutdownHandler {
            do {
                try await listener.serve(endpoints)
            } catch is CancellationError {
                // The process lets go at once.
            } catch {
                logger.warning("the admin port is closed: \(error)")
            }
        } onCancelOrGracefulShutdown: {
            listener.close()
        }
    }
}
