import { createApp } from 'vue'
import ChatPage from './pages/ChatPage.vue'

createApp(ChatPage).mount('#app')
