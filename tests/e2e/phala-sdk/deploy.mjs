import * as sdk from '@phala/sdk'

import { deployer } from '../lib/deploy.mjs'

export { inBlock } from '../lib/deploy.mjs'
export const deploy = deployer(sdk)
