export { createExampleService } from './create-example-service.ts';
export type { ExampleService, ExampleServiceOptions } from './create-example-service.ts';
