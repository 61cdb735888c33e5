import { createExampleService } from './create-example-service.ts';

const weatherOrigin = process.argv[2] ?? 'http://127.0.0.1:8080';
const { server } = createExampleService({ weatherOrigin });
server.listen(3000, '127.0.0.1', () => console.log(`http://127.0.0.1:3000/weather/oslo asks ${weatherOrigin}; http://127.0.0.1:3000/metrics`));
