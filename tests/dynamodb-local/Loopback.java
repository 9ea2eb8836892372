import java.lang.reflect.Field;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import software.amazon.dynamodb.services.local.main.ServerRunner;
import software.amazon.dynamodb.services.local.server.DynamoDBProxyServer;

/**
 * Runs DynamoDB Local in memory, on a loopback port that the system chooses, and prints its address.
 *
 * <p>Its own command line listens on every address of the machine and needs a given port. So this
 * class sets the address and the port of the server before it starts.
 */
public final class Loopback {
    public static void main(String[] arguments) throws Exception {
        DynamoDBProxyServer local = ServerRunner.createServerFromCommandLineArgs(
                new String[] {"-inMemory", "-sharedDb", "-disableTelemetry"});
        Field field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        ServerConnector connector = (ServerConnector) ((Server) field.get(local)).getConnectors()[0];
        connector.setHost("127.0.0.1");
        connector.setPort(0);
        local.start();
        System.out.println("listening on http://127.0.0.1:" + connector.getLocalPort());
        // The parent holds the other end, which is closed even if the parent is killed.
        while (System.in.read() >= 0) {}
        System.exit(0);
    }
}
